# shellcheck shell=bash disable=SC2034  # the names are for the steps
# Read by every step: strict mode, settings.env, the names of everything, and the words the steps are
# written in. Nothing here changes anything in the cloud before a step says so.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
step=$(basename "$0")

say() { printf '%s: %s\n' "$step" "$*"; }
stop() {
  printf '%s stopped: %s\n' "$step" "$*" >&2
  exit 70 # no gcloud command ends so: the shell around a subshell then knows that all is said
}
failed() {
  local code=$?
  ((code != 70 && BASH_SUBSHELL == 0)) || exit "$code"
  stop "this did not succeed: ${1%% --*}. Mend what is said above and run the step again; what is done stays done."
}
trap 'failed "$BASH_COMMAND"' ERR

settings=${DEPLOY_SETTINGS:-deploy/settings.env}
[[ -f $settings ]] || stop "there is no $settings: copy deploy/settings.env.example and fill it in."
command -v gcloud >/dev/null || stop "gcloud is not installed: https://cloud.google.com/sdk/docs/install, or use Cloud Shell."
# shellcheck source=deploy/settings.env.example
source "$settings"
[[ ${PROJECT_ID:-} =~ ^[a-z][a-z0-9-]{4,28}[a-z0-9]$ ]] || stop "PROJECT_ID in $settings is no project id (letters, digits, hyphens)."
[[ ${REGION:-} =~ ^[a-z]+-[a-z]+[0-9]+$ ]] || stop "REGION in $settings is no region, such as us-central1."
export CLOUDSDK_CORE_PROJECT=$PROJECT_ID CLOUDSDK_CORE_DISABLE_PROMPTS=1

# Accounts: two that run a service, one that changes tables, and the one whose token tasks carry.
account() { printf '%s@%s.iam.gserviceaccount.com' "$1" "$PROJECT_ID"; }
RECEIVER_ACCOUNT=$(account tasks-receiver)
DASHBOARD_ACCOUNT=$(account tasks-dashboard)
MIGRATE_ACCOUNT=$(account tasks-migrate)
TASKS_ACCOUNT=$(account tasks-caller)
MIGRATE_JOB=tasks-migrate
# Names of secrets, which only Secret Manager and the services' own processes ever hold.
SECRET_KEY_NAME=tasks-secret-key
DATABASE_URL_NAME=tasks-database-url
ADMIN_PASSWORD_NAME=tasks-admin-password
IMAGES=$REGION-docker.pkg.dev/$PROJECT_ID/$REPOSITORY
case $DATABASE in
  cloudsql) SQL_FLAG=--set-cloudsql-instances=$PROJECT_ID:$REGION:$SQL_INSTANCE ;;
  url) SQL_FLAG= ;;
  *) stop "DATABASE in $settings is cloudsql or url." ;;
esac

# Is NAME a line of what this gcloud command lists? (A list tells absence from a refusal; describe does not.)
has() {
  local name=$1 found
  shift
  found=$(gcloud "$@" </dev/null) || stop "could not list: gcloud $*"
  grep -qxF -- "$name" <<<"$found"
}

# grant ROLE ACCOUNT RESOURCE GROUP... [--FLAG]: give the account the role on this one resource.
grant() {
  local role=$1 email=$2 member=serviceAccount:$2 resource=$3 word group=() flags=()
  shift 3
  for word; do
    if [[ $word == --* ]]; then flags+=("$word"); else group+=("$word"); fi
  done
  if has "$role,$member" "${group[@]}" get-iam-policy "$resource" ${flags[@]+"${flags[@]}"} \
    --flatten='bindings[].members' --format='csv[no-heading](bindings.role,bindings.members)'; then
    return
  fi
  say "${email%%@*} gets $role on $resource"
  gcloud "${group[@]}" add-iam-policy-binding "$resource" ${flags[@]+"${flags[@]}"} \
    --member="$member" --role="$role" --condition=None --format=none
}

has_secret() {
  local versions
  has "$1" secrets list --format='value(name.basename())' || return 1
  versions=$(gcloud secrets versions list "$1" --format='value(name.basename())') || stop "could not read the versions of $1"
  [[ -n $versions ]]
}

# Keep standard input as the newest version of the secret NAME: never on a command line, never in a file.
keep_secret() {
  has "$1" secrets list --format='value(name.basename())' ||
    gcloud secrets create "$1" --replication-policy=automatic </dev/null
  gcloud secrets versions add "$1" --data-file=-
}

random() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

# The address that Cloud Run will give a service, known before it is there.
address() {
  local number name
  number=$(gcloud projects describe "$PROJECT_ID" --format='value(projectNumber)')
  name=$1-$number
  ((${#name} <= 63)) || stop "$name is longer than the 63 letters of a host's name: shorten the service's name in $settings."
  printf 'https://%s.%s.run.app' "$name" "$REGION"
}

tag() {
  if [[ -n $IMAGE_TAG ]]; then
    printf %s "$IMAGE_TAG"
    return
  fi
  [[ -z $(git status --porcelain) ]] || stop "the work tree differs from its commit, after which the image is named: commit first, or set IMAGE_TAG in $settings."
  git rev-parse --short=12 HEAD
}
