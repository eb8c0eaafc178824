# roma_ros on a Jetson with JetPack 7: Ubuntu 24.04, ROS 2 Jazzy, Python 3.12, CUDA 13. For Thor; on an
# Orin see step 3 of docs/jetson.md first. Build it on the device, from the root of the repository.
# Never built or run by us.
#
#   docker build -f docs/docker/jetpack7.Dockerfile -t roma_ros .
FROM nvcr.io/nvidia/cuda:13.0.1-runtime-ubuntu24.04

ARG DEBIAN_FRONTEND=noninteractive
ENV LANG=C.UTF-8 ROS_DISTRO=jazzy VIRTUAL_ENV=/opt/roma
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
SHELL ["/bin/bash", "-eo", "pipefail", "-c"]

RUN apt-get update && apt-get install -y --no-install-recommends curl ca-certificates \
    && curl -fsSL https://raw.githubusercontent.com/ros/rosdistro/master/ros.key \
      -o /usr/share/keyrings/ros.gpg \
    && echo "deb [signed-by=/usr/share/keyrings/ros.gpg] http://packages.ros.org/ros2/ubuntu noble main" \
      > /etc/apt/sources.list.d/ros2.list \
    && apt-get update && apt-get install -y --no-install-recommends \
      build-essential cmake libportaudio2 python3-colcon-common-extensions python3-dev \
      python3-venv ros-jazzy-diagnostic-msgs ros-jazzy-ros-base \
    && rm -rf /var/lib/apt/lists/*

# torch first: what comes after finds it there. Wheels for CUDA 12 have no kernels for Thor. NumPy
# stays below 2, as Jazzy's messages are compiled for 1.26.
RUN python3 -m venv --system-site-packages $VIRTUAL_ENV
ENV PATH=$VIRTUAL_ENV/bin:$PATH
RUN pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cu130 "torch>=2.9"

COPY . /ws/src/roma_ros
RUN pip install --no-cache-dir "numpy>=1.26,<2" "opencv-python-headless==4.11.0.86" \
      "accelerate>=1.10" "bitsandbytes>=0.48" /ws/src/roma_ros
RUN cd /ws && source /opt/ros/jazzy/setup.bash \
    && colcon build --packages-select roma_ros --cmake-args -DPython3_EXECUTABLE=$VIRTUAL_ENV/bin/python

RUN printf '#!/bin/bash\nsource /ws/install/setup.bash\nexec "$@"\n' > /entrypoint \
    && chmod +x /entrypoint
ENTRYPOINT ["/entrypoint"]
CMD ["ros2", "launch", "roma_ros", "jetson.launch.py", "preset:=jetson_orin_agx"]
