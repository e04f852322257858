"""What runs outside of a browser: the hybrid seeder, the development tracker, the command line."""
