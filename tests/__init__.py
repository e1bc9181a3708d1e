"""A package, lest a dependency's own `tests` folder be imported in the place of this one."""
