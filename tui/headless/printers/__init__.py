"""Engine results for people: Rich objects without markup, in 80 columns where nobody says otherwise.

The first lines answer: can stock restore this, to where, if not why, what now. Commands, handles and stock's own words
are never broken over lines, so that they can be pasted and searched for.
"""
