# roma_ros on a Jetson Orin with JetPack 6: Ubuntu 22.04, ROS 2 Humble, Python 3.10, CUDA 12.6.
# Build it on the device, from the root of the repository. Never built or run by us: docs/jetson.md.
#
#   docker build -f docs/docker/jetpack6.Dockerfile -t roma_ros .
#   docker build -f docs/docker/jetpack6.Dockerfile --build-arg BITSANDBYTES=yes -t roma_ros .
FROM nvcr.io/nvidia/l4t-jetpack:r36.4.0

ARG DEBIAN_FRONTEND=noninteractive
# yes: build bitsandbytes for this GPU, for NF4 and INT8
ARG BITSANDBYTES=no
ENV LANG=C.UTF-8 ROS_DISTRO=humble VIRTUAL_ENV=/opt/roma
SHELL ["/bin/bash", "-eo", "pipefail", "-c"]

RUN apt-get update && apt-get install -y --no-install-recommends curl ca-certificates \
    && curl -fsSL https://raw.githubusercontent.com/ros/rosdistro/master/ros.key \
      -o /usr/share/keyrings/ros.gpg \
    && echo "deb [signed-by=/usr/share/keyrings/ros.gpg] http://packages.ros.org/ros2/ubuntu jammy main" \
      > /etc/apt/sources.list.d/ros2.list \
    && apt-get update && apt-get install -y --no-install-recommends \
      build-essential cmake git libportaudio2 python3-colcon-common-extensions python3-dev \
      python3-venv ros-humble-diagnostic-msgs ros-humble-ros-base \
    && rm -rf /var/lib/apt/lists/*

# torch first: what comes after finds it there and does not bring the one of PyPI. NumPy stays below
# 2, as Humble's messages are compiled for 1.x.
RUN python3 -m venv --system-site-packages $VIRTUAL_ENV
ENV PATH=$VIRTUAL_ENV/bin:/usr/local/cuda/bin:$PATH
RUN pip install --no-cache-dir --index-url https://pypi.jetson-ai-lab.io/jp6/cu126 "torch==2.8.*"
RUN if [ "$BITSANDBYTES" = yes ]; then \
      git clone --depth 1 --branch 0.50.2 \
        https://github.com/bitsandbytes-foundation/bitsandbytes.git /tmp/bitsandbytes \
      && cd /tmp/bitsandbytes \
      && pip install --no-cache-dir "cmake>=3.22.1" \
      && cmake -S . -DCOMPUTE_BACKEND=cuda -DCOMPUTE_CAPABILITY=87 && make -j4 \
      && pip install --no-cache-dir . && rm -rf /tmp/bitsandbytes; \
    fi

COPY . /ws/src/roma_ros
RUN pip install --no-cache-dir "numpy>=1.26,<2" "opencv-python-headless==4.11.0.86" \
      "accelerate>=1.10" /ws/src/roma_ros
RUN cd /ws && source /opt/ros/humble/setup.bash \
    && colcon build --packages-select roma_ros --cmake-args -DPython3_EXECUTABLE=$VIRTUAL_ENV/bin/python

RUN printf '#!/bin/bash\nsource /ws/install/setup.bash\nexec "$@"\n' > /entrypoint \
    && chmod +x /entrypoint
ENTRYPOINT ["/entrypoint"]
CMD ["ros2", "launch", "roma_ros", "jetson.launch.py"]
