"""Images and sounds: what was recorded → arrays of fixed shape, for preprocess and for serving."""
