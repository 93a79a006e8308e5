"""The messages of identra.v1, made from proto/identra/v1 and never by hand."""
