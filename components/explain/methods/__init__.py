"""Methods of explanation, one file each, found by discovery."""
