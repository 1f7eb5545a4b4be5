"""A gallery over HTTP: every operation of `scalereid.Gallery`, and no other way to any of them."""
