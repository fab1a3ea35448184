"""devgate's tests: each stands at the path of what it tests; contracts/ holds what is true of the whole project."""
