# The image of every Airflow service of docker-compose.yaml. It holds code and packages, no secrets and no settings of a
# deployment. The slim image has Airflow without providers, so that what runs is exactly what requirements.lock names
# and was tested; the full image's other providers would get their dependencies moved under them.
FROM apache/airflow:slim-3.3.2-python3.11 AS base

WORKDIR /opt/airflow
ENV PYTHONPATH=/opt/airflow

# requirements.txt names requirements.lock as its constraints.
COPY requirements.txt requirements.lock ./
RUN pip install --no-cache-dir -r requirements.txt

# Owned by root: what a task can do to the machine does not include changing the code. The two folders of volumes are
# made here because a new volume takes over the owner of the folder that it covers.
COPY dags ./dags
COPY plugins ./plugins
COPY include ./include
COPY container ./container
RUN mkdir -p logs aws-simulator

# The base image ends with this user already; stated because everything here relies on it.
USER airflow


# The AWS simulator, for the profile of that name.
FROM base AS aws-simulator
COPY requirements-dev.txt ./
RUN pip install --no-cache-dir -r requirements-dev.txt
COPY tools ./tools


# Last, so that `docker build .` makes it.
FROM base AS airflow
