"""Mail: the letters, and the ways by which they leave."""
