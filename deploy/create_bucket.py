"""Creates the private bucket of S3_BUCKET unless it is there; waits for a storage that has just been started."""

import os
import sys
import time

import boto3
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

ATTEMPTS = 60


def main() -> None:
    bucket = os.environ["S3_BUCKET"]
    client = boto3.client(
        "s3",
        endpoint_url=os.environ.get("S3_ENDPOINT_URL"),
        aws_access_key_id=os.environ["S3_ACCESS_KEY"],
        aws_secret_access_key=os.environ["S3_SECRET_KEY"],
        region_name=os.environ.get("S3_REGION", "us-east-1"),
    )
    for _ in range(ATTEMPTS):
        try:
            if bucket not in {found["Name"] for found in client.list_buckets()["Buckets"]}:
                client.create_bucket(Bucket=bucket)
        except (ClientError, ConnectionError, HTTPClientError) as error:
            last_error = error
            time.sleep(2)
        else:
            return
    sys.exit(f"{last_error}")


if __name__ == "__main__":
    main()
