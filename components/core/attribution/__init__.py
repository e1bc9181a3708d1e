"""What a network's answer rests on: its attributed quantity, baselines, and groups of inputs."""
