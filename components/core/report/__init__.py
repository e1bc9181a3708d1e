"""What all pages of the project share: one look, one way to render a template safely."""
