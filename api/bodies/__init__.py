"""What requests and answers look like, and how the API document describes them."""
