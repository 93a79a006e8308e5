"""The kinds of provider: each file performs one whole dance; a plugin fills in its blanks."""
