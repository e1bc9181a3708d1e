"""Pictures of one record with its attribution laid over them; drawing imports matplotlib."""
