"""How this project is built: the parts of `build.py`. Standard library only, so that they run on a bare machine."""
