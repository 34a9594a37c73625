"""What was read of a bucket before, so that the next look reads only what is new."""
