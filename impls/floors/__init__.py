"""What an update of any step cannot cost less than: its products alone, and its memory read and written once."""
