"""The messages of identra.admin.v1, made from proto/identra/admin/v1 and never by hand."""
