# What is published: the frontend, and the images of the catalogue that it builds.
#
#   docker buildx bake --print python              what would be built, and its tags
#   docker buildx bake                             the frontend
#   docker buildx bake 'python-3-13-alpine3-20-*'  one pair, final and buildroot
#   docker buildx bake python                      all pairs
#   docker buildx bake examples
#
# docs/publishing.rst says how .github/workflows/publish.yml uses it.

# The base images, as python:X.Y-alpineA.B, and the version of Python in each.
#
# From the history of library/python in github.com/docker-library/official-images, up to
# 2026-08-13: of Python 3.10 to 3.14 on Alpine 3.20 to 3.23, Docker Official Images published
# every pair but one. 3.14 on 3.20 was a candidate only, python:3.14-rc-alpine3.20: Alpine
# 3.20 was dropped in May 2025, and Python 3.14.0 came in October. The versions of Alpine 3.20
# to 3.22 are final, for the same reason; those of 3.23 were the newest of that day.
#
# The workflow asks the registry instead, with hack/python-versions, and passes the answer in
# the environment variable PYTHON_IMAGES_JSON.
variable "PYTHON_IMAGES" {
  type = map(string)
  default = {
    "3.10-alpine3.20" = "3.10.17"
    "3.10-alpine3.21" = "3.10.19"
    "3.10-alpine3.22" = "3.10.20"
    "3.10-alpine3.23" = "3.10.21"
    "3.11-alpine3.20" = "3.11.12"
    "3.11-alpine3.21" = "3.11.14"
    "3.11-alpine3.22" = "3.11.15"
    "3.11-alpine3.23" = "3.11.16"
    "3.12-alpine3.20" = "3.12.10"
    "3.12-alpine3.21" = "3.12.12"
    "3.12-alpine3.22" = "3.12.13"
    "3.12-alpine3.23" = "3.12.14"
    "3.13-alpine3.20" = "3.13.3"
    "3.13-alpine3.21" = "3.13.10"
    "3.13-alpine3.22" = "3.13.13"
    "3.13-alpine3.23" = "3.13.15"
    "3.14-alpine3.21" = "3.14.1"
    "3.14-alpine3.22" = "3.14.5"
    "3.14-alpine3.23" = "3.14.7"
  }
}

# Where images are pushed to: registry and namespace.
variable "REPOSITORIES" {
  type    = list(string)
  default = ["docker.io/autumnjolitz", "ghcr.io/autumnjolitz"]
}

variable "PLATFORMS" {
  type    = list(string)
  default = ["linux/amd64", "linux/arm64"]
}

# The frontend that builds the images: a reference that the daemon can pull.
variable "FRONTEND" {
  default = "docker.io/autumnjolitz/distroless-frontend"
}

# The frontend's own version, such as 1.2.3, and the commit that it is built from.
variable "VERSION" {
  default = ""
}

variable "REVISION" {
  default = "unknown"
}

# tags returns an image's names in every repository.
function "tags" {
  params = [image, tags]
  result = [for pair in setproduct(REPOSITORIES, tags) : "${pair[0]}/${image}:${pair[1]}"]
}

# targetname makes a version part of a target's name, which can have no dot.
function "targetname" {
  params = [text]
  result = replace(text, ".", "-")
}

group "default" {
  targets = ["frontend"]
}

target "frontend" {
  dockerfile = "Dockerfile.frontend"
  platforms  = PLATFORMS
  args = {
    VERSION  = VERSION == "" ? "dev" : VERSION
    REVISION = REVISION
  }
  tags = tags("distroless-frontend", VERSION == "" ? ["latest"] : ["latest", VERSION])
}

# The spec names the base by Python's full version, so that an image never has another one
# than its tag says.
target "python" {
  name = "${targetname("python-${pair}")}-${image}"
  matrix = {
    pair  = keys(PYTHON_IMAGES)
    image = ["final", "buildroot"]
  }
  target    = image
  platforms = PLATFORMS
  dockerfile-inline = <<-SPEC
    #syntax=${FRONTEND}
    python: "${PYTHON_IMAGES[pair]}"
    alpine: "${split("-alpine", pair)[1]}"
  SPEC
  tags = tags("distroless-python", [
    for tag in [pair, "${PYTHON_IMAGES[pair]}-alpine${split("-alpine", pair)[1]}"] :
    image == "final" ? tag : "${tag}-${image}"
  ])
}

# The examples as their readers build them, by the frontend that FRONTEND names.
target "examples" {
  name = "example-${example}"
  matrix = {
    example = ["ci", "httpie", "minimal", "notes", "simple-flask"]
  }
  context = "examples/${example}"
  args    = { BUILDKIT_SYNTAX = FRONTEND }
  tags    = ["distroless-example-${example}"]
}
