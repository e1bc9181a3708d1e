"""Does the explanation of pictures, sounds and fields find what the synthetic cohort planted?"""
