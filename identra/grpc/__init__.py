"""The gRPC door: what arrives as messages is read here, handed to the hall, and answered."""
