"""Recordings made strange: does the confidence head notice, and does the served model abstain?"""
