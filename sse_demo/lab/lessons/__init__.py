"""What one lesson shows and no other, by the name of the lesson."""
