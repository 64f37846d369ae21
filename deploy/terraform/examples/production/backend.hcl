# The bucket that bootstrap/ made; a key for each environment.
bucket = "your-bucket"
key    = "order-processing/production.tfstate"
region = "us-east-1"
