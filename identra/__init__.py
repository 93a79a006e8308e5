"""Identra: authentication and user management that a team can run from one command."""
