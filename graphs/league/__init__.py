"""The league: several recipes on the same seeds, judged alike and laid side by side."""
