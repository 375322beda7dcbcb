"""What `llmos moderate` can do, one file each."""
