"""The same patients with a picture of their ECG and their heart sounds: is the heart abnormal?"""
