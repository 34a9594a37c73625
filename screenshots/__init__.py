"""Pictures of every screen, and the program that draws them."""
