print("The first line.")
