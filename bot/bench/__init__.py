"""What `llmos bench` runs."""
