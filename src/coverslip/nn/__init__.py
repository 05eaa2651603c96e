"""Parts of networks that two or more methods use."""
