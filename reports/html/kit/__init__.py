"""What every HTML page is built from."""
