"""Run s3fs, which offers S3 as a file system."""

from __future__ import annotations

import sys

import s3fs

match sys.argv[1]:
    case "s3":
        files = s3fs.S3FileSystem()
        files.mkdir("s3fs-client")
        content = bytes(range(256)) * 50_000
        with files.open("s3fs-client/a/large.bin", "wb", block_size=6 * 2**20) as target:  # is uploaded in parts
            target.write(content)
        if files.cat("s3fs-client/a/large.bin") != content:
            raise ValueError("The object differs")
        files.mv("s3fs-client/a/large.bin", "s3fs-client/b/moved.bin")
        if files.glob("s3fs-client/**/*.bin") != ["s3fs-client/b/moved.bin"]:
            raise ValueError(f"The listing is {files.glob('s3fs-client/**/*.bin')}")
        files.rm("s3fs-client", recursive=True)
        if files.exists("s3fs-client"):
            raise ValueError("The bucket still exists")
