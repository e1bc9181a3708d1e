"""What all pages share: sections, tables, style of pictures, one look, safe rendering."""
