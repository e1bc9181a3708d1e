"""The project's tests; a package, lest a dependency's own `tests` folder be imported in its place."""
