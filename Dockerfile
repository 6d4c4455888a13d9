FROM python:3.13-slim AS build
COPY requirements.txt .
RUN python -m venv --without-pip /venv && \
    python -m pip --python /venv/bin/python install --no-cache-dir --require-hashes -r requirements.txt

FROM python:3.13-slim
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 VAR_DIR=/var/lib/tasks
RUN useradd --system --home-dir /var/lib/tasks --create-home tasks
COPY --from=build /venv /venv
WORKDIR /app
COPY manage.py ./
COPY config config
COPY receiver receiver
COPY dashboard dashboard
COPY emulator emulator
RUN SECRET_KEY=only-for-collectstatic python manage.py collectstatic --no-input --verbosity 0
USER tasks
CMD ["gunicorn", "-c", "config/gunicorn.py", "config.asgi"]
