"""The REST door: what arrives over HTTP is read here, handed to the hall, and answered."""
