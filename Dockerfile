# The base's tag moves with the fixes of Python and Debian. For builds that are the same to the byte name its
# digest too, python:3.13-slim@sha256:..., as `docker buildx imagetools inspect python:3.13-slim` prints it, and
# renew it yourself then: nothing else brings in the fixes.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
COPY requirements.txt .
RUN python -m venv --without-pip /venv && \
    python -m pip --python /venv/bin/python install --no-cache-dir --require-hashes -r requirements.txt

FROM ${BASE}
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 VAR_DIR=/var/lib/tasks
RUN useradd --system --uid 999 --user-group --home-dir /var/lib/tasks --create-home tasks
COPY --from=build /venv /venv
WORKDIR /app
COPY manage.py ./
COPY config config
COPY receiver receiver
COPY dashboard dashboard
COPY emulator emulator
# Static files and byte code are made here: the user that runs it cannot write to /app.
RUN SECRET_KEY=only-for-collectstatic python manage.py collectstatic --no-input --verbosity 0 && \
    python -m compileall -q manage.py config receiver dashboard emulator
# By number, so that Kubernetes can see that it is not root (runAsNonRoot).
USER 999:999
CMD ["gunicorn", "-c", "config/gunicorn.py", "config.asgi"]
