# The image of every Airflow service of docker-compose.yaml. It contains code and packages, but no secrets and no
# settings of an installation. The base is the slim image, which has no providers, so the installed packages are
# exactly the tested ones in requirements.lock. In the full image, installing them would change the dependencies of its
# providers. `make pin-images` adds the digest of the base image.
FROM apache/airflow:slim-3.3.2-python3.11 AS base

WORKDIR /opt/airflow
ENV PYTHONPATH=/opt/airflow

# pip refuses a file whose hash is not in the lock.
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock

# The code is owned by root, so a task cannot change it. The folders for the two volumes are created here, because a new
# volume takes the owner of the folder on which it is mounted.
COPY dags ./dags
COPY plugins ./plugins
COPY include ./include
COPY container ./container
RUN mkdir -p logs aws-simulator

# The base image sets this user too. The line is repeated because no service may ever run as root.
USER airflow


# The image of the AWS simulator, for the profile aws-simulator. Only this image contains tools/ and the packages for tests.
FROM base AS aws-simulator
COPY requirements-dev.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements-dev.lock
COPY tools ./tools
COPY deploy/cloudformation ./deploy/cloudformation


# The production image is last, so that `docker build .` builds it.
FROM base AS airflow
