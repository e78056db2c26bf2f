"""Act: each activity is one small, idempotent step that workflows ask for."""
