"""What to talk about: the map of feelings and life scenes, and the plan of sessions over it.

Every other package may import this one, so the two things all of them need stand here as well: how
a file that a person wrote is read (`reading`), and how a command takes flags and ends (`command`).
"""
