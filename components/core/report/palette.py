"""The colours of every picture, apart from any library that draws."""

from __future__ import annotations

# Okabe and Ito's palette: distinct under the common forms of colour blindness and in grey print.
BLUE, ORANGE, GREY, BLACK = "#0072B2", "#D55E00", "#767676", "#222222"
GREEN, PURPLE, SKY = "#009E73", "#CC79A7", "#56B4E9"
# Attribution towards the event, and against it.
TOWARDS, AGAINST = ORANGE, BLUE
