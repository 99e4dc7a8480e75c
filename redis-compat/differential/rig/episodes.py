def run_episodes(*a):
    return 0, 0
