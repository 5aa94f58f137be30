# Seeds an account: of each rule at least one resource that it finds, and one that it leaves alone.
import time

import boto3

ec2 = boto3.client("ec2")
image = ec2.register_image(Name="base", RootDeviceName="/dev/sda1")["ImageId"]


def instance(kind, **tags):
    tag = [{"Key": key, "Value": value} for key, value in tags.items()]
    specification = {"TagSpecifications": [{"ResourceType": "instance", "Tags": tag}]} if tag else {}
    started = ec2.run_instances(ImageId=image, InstanceType=kind, MinCount=1, MaxCount=1, **specification)
    return started["Instances"][0]["InstanceId"]


def volume(kind, **more):
    return ec2.create_volume(AvailabilityZone="us-east-1a", Size=100, VolumeType=kind, **more)["VolumeId"]


running = instance("m5.large", Team="shop")
instance("m3.large", Team="shop")
stopped = instance("m3.large")
ec2.stop_instances(InstanceIds=[stopped])
ec2.attach_volume(VolumeId=volume("gp3"), InstanceId=running, Device="/dev/sdf")
ec2.attach_volume(VolumeId=volume("io1", Iops=3000), InstanceId=running, Device="/dev/sdg")
volume("gp3")
gp2 = volume("gp2")
ec2.create_snapshot(VolumeId=gp2)
time.sleep(2)
ec2.create_snapshot(VolumeId=gp2)
ec2.register_image(Name="unused", RootDeviceName="/dev/sda1")
ec2.allocate_address(Domain="vpc")
used = ec2.allocate_address(Domain="vpc")["AllocationId"]
ec2.associate_address(AllocationId=used, InstanceId=running)
logs = boto3.client("logs")
for name in ("/shop/forever", "/shop/month"):
    logs.create_log_group(logGroupName=name)
logs.put_retention_policy(logGroupName="/shop/month", retentionInDays=30)
s3 = boto3.client("s3")
for name in ("shop-keeps", "shop-expires"):
    s3.create_bucket(Bucket=name)
rule = {"ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 90}}
s3.put_bucket_lifecycle_configuration(Bucket="shop-expires", LifecycleConfiguration={"Rules": [rule]})
