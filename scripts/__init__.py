"""Developer and set-up commands; nothing here is imported by the components."""
