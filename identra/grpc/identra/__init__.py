"""Code that `make proto` writes from proto/, in the folders that protoc names."""
