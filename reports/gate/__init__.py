"""What people, programs and CI read of a gate: sentences, tables, a picture, a page, annotations, a document."""
