"""Code that `make proto` writes from proto/identra/admin, in the folders that protoc names."""
