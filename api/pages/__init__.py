"""The desk: pages for planners, drawn on the server over what the API uses. They decide nothing themselves."""
