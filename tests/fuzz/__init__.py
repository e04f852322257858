"""What strangers send, fed to the parsers: whole programs for a fuzzer, and a corpus that every test run replays."""
